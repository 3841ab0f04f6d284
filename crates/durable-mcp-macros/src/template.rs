//! Addresses of resources, compared with the arguments.

use syn::{Error, Expr, ExprLit, Lit, LitStr};

use crate::arguments::Parameters;
use crate::attribute::{all, both};
use crate::feature::Feature;
use crate::options::Options;

/// Checks that a URI has no variables, and that those of a template are the arguments.
pub(crate) fn check(
    feature: Feature,
    options: &Options,
    parameters: &Parameters,
) -> syn::Result<()> {
    // A constant's text is not known here: `Server::problems` tells of it.
    let Some(Expr::Lit(ExprLit {
        lit: Lit::Str(address),
        ..
    })) = &options.address
    else {
        return Ok(());
    };
    if feature == Feature::Resource {
        return check_uri(address);
    }
    match parameters.names() {
        Some(names) if !parameters.takes_args => check_template(address, &names),
        _ => Ok(()),
    }
}

fn check_uri(uri: &LitStr) -> syn::Result<()> {
    if uri.value().contains('{') {
        return Err(Error::new(
            uri.span(),
            "a URI has no variables: `#[resource_template(\"..\")]` takes a URI template",
        ));
    }
    Ok(())
}

fn check_template(template: &LitStr, names: &[(String, proc_macro2::Span)]) -> syn::Result<()> {
    let text = template.value();
    let variables = variables(&text);
    let missing = variables.iter().map(|variable| {
        if names.iter().any(|(name, _)| name == variable) {
            return Ok(());
        }
        let error = format!("the variable `{variable}` has no argument: add `{variable}: String`");
        Err(Error::new(template.span(), error))
    });
    let superfluous = names.iter().map(|(name, span)| {
        if variables.contains(&name.as_str()) {
            return Ok(());
        }
        let error = format!("the URI template has no variable `{name}`: add `{{{name}}}` to it");
        Err(Error::new(*span, error))
    });
    both(all(missing), all(superfluous)).map(drop)
}

/// The names in braces. What is no valid template is for `Server::problems` to tell.
fn variables(template: &str) -> Vec<&str> {
    let expressions = template.split('{').skip(1);
    expressions
        .filter_map(|rest| Some(rest.split_once('}')?.0.trim_start_matches('+')))
        .collect()
}
