//! Requests that stand for themselves: 2026-07-28, without sessions.

use durable_mcp::prelude::*;
use serde_json::{Value, json};

mod the_era;
