//! Narrows scopes and resources to those requested: never more than were granted.

use super::GrantRefusal;
use crate::resource::{Resource, Resources};
use crate::scope::Scopes;

/// The wanted scopes of those `held`, RFC 6749 section 6; all of them if none is named.
pub(super) fn scopes(held: &Scopes, wanted: Option<&Scopes>) -> Result<Scopes, GrantRefusal> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
        return Ok(held.clone());
    };
    let both = held.both(wanted);
    if both.is_empty() {
        return Err(GrantRefusal::InvalidScope(
            "None of these scopes was granted.".into(),
        ));
    }
    Ok(both)
}

/// The wanted resources, if all of them were granted, RFC 8707 section 2.2.
pub(super) fn audience(
    held: &[Resource],
    wanted: &[Resource],
    root: &Resource,
) -> Result<Vec<Resource>, GrantRefusal> {
    if wanted.is_empty() {
        return Ok(held.to_vec());
    }
    if wanted
        .iter()
        .all(|wanted| Resources::covers(held, wanted, root))
    {
        return Ok(wanted.to_vec());
    }
    Err(GrantRefusal::InvalidTarget(
        "The grant is not for this resource.".into(),
    ))
}
