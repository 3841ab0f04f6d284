//! Renewed tokens of a provider, and the claims that come with them.

use serde_json::Value;

use super::claims::IdTokenClaims;
use super::discovery::ProviderMetadata;
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
        if let Some(id_token) = &tokens.id_token
            && let Some(claims) = self.renewed_claims(props, &found, id_token, web).await?
        {
            claims.update(&mut renewed, self.domains());
            self.admit(&renewed)?;
        }
        set(&mut renewed, UPSTREAM, tokens.to_props());
        Ok(Some(renewed))
    }

    /// The claims of a new ID token, which is of the same person (Core 1.0 section 12.2); none while its keys cannot be had.
    async fn renewed_claims(
        &self,
        props: &Value,
        found: &ProviderMetadata,
        id_token: &str,
        web: &dyn Upstream,
    ) -> Result<Option<IdTokenClaims>, IdentityError> {
        match self.verified(found, id_token, None, web).await {
            Ok(claims) if props.get("sub").and_then(Value::as_str) == Some(claims.subject()?) => {
                Ok(Some(claims))
            }
            Ok(_) => Err(IdentityError::Refused(
                "the renewed tokens are of somebody else".to_owned(),
            )),
            // The tokens came from the token endpoint itself, and the old refresh token may be used up.
            Err(IdentityError::Unavailable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
