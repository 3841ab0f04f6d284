//! Renewed tokens of a provider, and the claims that come with them.

use serde_json::Value;

use super::{Oidc, claims};
use crate::IdentityError;
use crate::allowed::KNOWN_AS;
use crate::code_flow::{UPSTREAM, renewable, set};
use crate::upstream::Upstream;

impl Oidc {
    pub(super) async fn renewed(
        &self,
        props: &Value,
        web: &dyn Upstream,
    ) -> Result<Option<Value>, IdentityError> {
        let mut renewed = props.clone();
        set(
            &mut renewed,
            KNOWN_AS,
            claims::known_as(props, self.domains()),
        );
        self.admit(&renewed)?;
        if renewable(props, web.now() / 1000).is_none() {
            return Ok(Some(renewed).filter(|renewed| renewed != props));
        }
        let found = self.discovery.find(web).await?;
        let Some(tokens) = self.flow(&found).renew(props, web).await? else {
            return Ok(Some(renewed).filter(|renewed| renewed != props));
        };
        if let Some(id_token) = &tokens.id_token {
            match self.verified(&found, id_token, None, web).await {
                // Core 1.0 section 12.2: a new one is of the same person.
                Ok(claims)
                    if props.get("sub").and_then(Value::as_str) == Some(claims.subject()?) =>
                {
                    claims.update(&mut renewed, self.domains());
                    self.admit(&renewed)?;
                }
                Ok(_) => {
                    return Err(IdentityError::Refused(
                        "the renewed tokens are of somebody else".to_owned(),
                    ));
                }
                // The tokens came from the token endpoint itself, and the old refresh token may be used up.
                Err(IdentityError::Unavailable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        set(&mut renewed, UPSTREAM, tokens.to_props());
        Ok(Some(renewed))
    }
}
