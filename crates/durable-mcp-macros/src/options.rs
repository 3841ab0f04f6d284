//! Options of an attribute: the methods of the feature's builder.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, Meta, Token};

use crate::attribute::all;
use crate::feature::Feature;

/// An option that an attribute has.
#[derive(Debug)]
pub(crate) struct Known {
    name: &'static str,
    form: Form,
    /// The option that sets the same.
    instead_of: Option<&'static str>,
}

impl Known {
    pub(crate) const fn new(name: &'static str, form: Form) -> Self {
        Self {
            name,
            form,
            instead_of: None,
        }
    }

    /// Says that this option sets what `other` sets, so that they exclude each other.
    pub(crate) const fn instead_of(mut self, other: &'static str) -> Self {
        self.instead_of = Some(other);
        self
    }

    fn sets(&self) -> &'static str {
        self.instead_of.unwrap_or(self.name)
    }
}

/// The form of an option.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// The name of the feature, `name = ..`.
    Name,
    /// Its description, `description = ..`.
    Description,
    /// A method without arguments, `read_only`.
    Flag,
    /// A method that takes a `bool`, `destructive` or `destructive = false`.
    Bool,
    /// A method that takes a value, `title = ..`.
    Value,
    /// One value of a method that takes several, `scope = ..`.
    Single(&'static str),
}

/// The options that are given.
pub(crate) struct Options {
    /// The URI or the URI template.
    pub(crate) address: Option<Expr>,
    pub(crate) name: Option<TokenStream>,
    pub(crate) description: Option<TokenStream>,
    /// Calls of the builder's methods, in their order.
    pub(crate) calls: Vec<TokenStream>,
}

struct Given {
    known: &'static Known,
    name: Ident,
    value: Option<Expr>,
}

impl Options {
    /// Reads the options of an attribute.
    pub(crate) fn read(feature: Feature, tokens: TokenStream) -> syn::Result<Self> {
        let list = |input: ParseStream<'_>| {
            let address = address(feature, input)?;
            let options = Punctuated::<Meta, Token![,]>::parse_terminated(input)?;
            Ok((address, options))
        };
        let (address, options) = list.parse2(tokens)?;
        let given = all(options.iter().map(|option| Given::read(feature, option)))?;
        check_once(&given)?;
        let mut options = Self {
            address,
            name: None,
            description: None,
            calls: Vec::new(),
        };
        for option in given {
            options.take(option);
        }
        Ok(options)
    }

    fn take(&mut self, Given { known, name, value }: Given) {
        match known.form {
            Form::Name => self.name = value.map(|value| quote!(#value)),
            Form::Description => self.description = value.map(|value| quote!(#value)),
            Form::Flag => self.calls.push(quote!(.#name())),
            Form::Bool => {
                let value = value.map_or(quote!(true), |value| quote!(#value));
                self.calls.push(quote!(.#name(#value)));
            }
            Form::Value => self.calls.push(quote!(.#name(#value))),
            Form::Single(method) => {
                let method = format_ident!("{method}", span = name.span());
                let list = quote_spanned!(value.span()=> [#value]);
                self.calls.push(quote!(.#method(#list)));
            }
        }
    }
}

/// The URI or the URI template, which stands first.
fn address(feature: Feature, input: ParseStream<'_>) -> syn::Result<Option<Expr>> {
    if !feature.has_address() {
        return Ok(None);
    }
    let example = match feature {
        Feature::ResourceTemplate => {
            "the URI template goes first: `#[resource_template(\"notes://{id}\")]`"
        }
        _ => "the URI goes first: `#[resource(\"notes://all\")]`",
    };
    let ahead = input.fork();
    let is_option = ahead.parse::<Ident>().is_ok_and(|name| {
        ahead.peek(Token![=]) || feature.options().iter().any(|known| name == known.name)
    });
    if input.is_empty() || is_option {
        return Err(input.error(example));
    }
    let address = input.parse()?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(Some(address))
}

impl Given {
    fn read(feature: Feature, option: &Meta) -> syn::Result<Self> {
        let refused = |text: String| Err(syn::Error::new_spanned(option, text));
        let known = |name: &Ident| feature.options().iter().find(|known| name == known.name);
        let Some((name, known)) = option
            .path()
            .get_ident()
            .and_then(|name| Some((name.clone(), known(name)?)))
        else {
            return refused(unknown(feature, option));
        };
        let value = match option {
            Meta::Path(_) => None,
            Meta::NameValue(pair) => Some(pair.value.clone()),
            Meta::List(_) => return refused(format!("write `{name} = ..`")),
        };
        match (known.form, value.is_some()) {
            (Form::Flag, true) => refused(format!("`{name}` takes no value: write `{name}`")),
            (Form::Name | Form::Description | Form::Value | Form::Single(_), false) => {
                refused(format!("`{name}` takes a value: write `{name} = ..`"))
            }
            _ => Ok(Self { known, name, value }),
        }
    }
}

fn unknown(feature: Feature, option: &Meta) -> String {
    let path = option.path();
    let name = quote!(#path).to_string().replace(' ', "");
    let names: Vec<String> = feature
        .options()
        .iter()
        .map(|known| format!("`{}`", known.name))
        .collect();
    let attribute = feature.attribute();
    format!(
        "`{attribute}` has no option `{name}`; there are {}",
        names.join(", ")
    )
}

/// Refuses an option that is given twice, or beside one that sets the same.
fn check_once(given: &[Given]) -> syn::Result<()> {
    let twice = given.iter().enumerate().map(|(at, option)| {
        let sets = option.known.sets();
        match given
            .iter()
            .take(at)
            .find(|other| other.known.sets() == sets)
        {
            Some(other) if other.name == option.name => Err(syn::Error::new(
                option.name.span(),
                format!("`{}` is given twice", option.name),
            )),
            Some(other) => Err(syn::Error::new(
                option.name.span(),
                format!("`{}` and `{}` exclude each other", other.name, option.name),
            )),
            None => Ok(()),
        }
    });
    all(twice).map(drop)
}
