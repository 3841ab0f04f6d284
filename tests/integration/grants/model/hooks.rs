//! The token exchange hook of a case.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt;
use oauth_server::hooks::{ExchangeChanges, ExchangeError, Hooks};

use crate::support::grants::hook;

/// In every third case, a hook that answers, fails or ends the grant by chance, after some turns. `ended` gets the grants that
/// it ends.
pub(super) fn chosen(seed: u64, ended: &Rc<RefCell<BTreeSet<String>>>) -> Hooks {
    if !seed.is_multiple_of(3) {
        return Hooks::default();
    }
    let (ended, calls) = (Rc::clone(ended), RefCell::new(seed));
    hook(move |exchange| {
        let mut calls = calls.borrow_mut();
        *calls = calls
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let dice = (*calls >> 33) % 100;
        if dice < 2 {
            ended.borrow_mut().insert(exchange.grant.clone());
        }
        async move {
            let mut turns = dice % 4;
            futures_util::future::poll_fn(move |context| {
                context.waker().wake_by_ref();
                turns = turns.saturating_sub(1);
                if turns == 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
            match dice {
                0..2 => Err(ExchangeError::Ended("as chosen".to_owned())),
                2..12 => Err(ExchangeError::Transient("as chosen".to_owned())),
                12..50 => Ok(ExchangeChanges {
                    props: Some(dice.into()),
                    ..ExchangeChanges::default()
                }),
                _ => Ok(ExchangeChanges::default()),
            }
        }
        .boxed_local()
    })
}
