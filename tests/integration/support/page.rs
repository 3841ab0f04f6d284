//! Deployments with the playground, and tokens of its page.

use serde_json::json;

use super::browser::{Browser, Deployment, ORIGIN};

/// A deployment with these variables, which are all in order.
pub(crate) fn deployment(variables: &[(&str, &str)]) -> Deployment {
    let deployment = Deployment::with_variables(variables);
    assert_eq!(deployment.app.problems(), [] as [String; 0]);
    deployment
}

/// An access token of a person, with those scopes at that resource.
pub(crate) fn token(
    deployment: &Deployment,
    name: &str,
    scope: &str,
    resource: Option<&str>,
) -> String {
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(deployment);
    let resource = resource.map(|path| format!("{ORIGIN}{path}"));
    let mut more = vec![("scope", scope)];
    more.extend(resource.as_deref().map(|resource| ("resource", resource)));
    let page = browser.asked(&client, &more);
    let back = browser.approved(&page, name);
    browser.redeemed(&client, &back)
}
