//! Arguments of the function: those that clients give, and extractors.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::token::Paren;
use syn::{
    Attribute, Error, Expr, FnArg, GenericArgument, LitStr, Pat, PatType, Path, PathArguments,
    Signature, Token, Type, parenthesized,
};

use crate::attribute::all;
use crate::documentation::is_doc;
use crate::feature::Feature;

/// The extractors of durable-mcp.
const EXTRACTORS: [&str; 15] = [
    "Args",
    "Cancelled",
    "Client",
    "Clock",
    "CompletionInput",
    "Context",
    "Env",
    "Headers",
    "Log",
    "Notify",
    "Progress",
    "Session",
    "Shared",
    "Task",
    "User",
];

/// Attributes that stay at the argument of a function.
const OF_AN_ARGUMENT: [&str; 5] = ["allow", "deny", "expect", "forbid", "warn"];

/// The arguments of a function.
pub(crate) struct Parameters {
    pub(crate) list: Vec<Parameter>,
    /// True if an extractor is `Args`.
    pub(crate) takes_args: bool,
}

/// An argument of a function.
pub(crate) enum Parameter {
    Argument(Box<Argument>),
    Extractor(PatType),
}

/// An argument that clients give.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    /// The argument as the function has it.
    pub(crate) plain: PatType,
    /// Attributes of the field of the struct.
    pub(crate) attributes: Vec<Attribute>,
    /// Completer of the argument.
    pub(crate) completer: Option<Expr>,
}

impl Parameters {
    /// Reads the arguments of a function.
    pub(crate) fn read(feature: Feature, signature: &Signature) -> syn::Result<Self> {
        let list = signature.inputs.iter().map(|input| match input {
            FnArg::Receiver(receiver) => Err(Error::new_spanned(receiver, no_self(feature))),
            FnArg::Typed(plain) => Parameter::read(feature, plain),
        });
        let list = all(list)?;
        let extractors = || list.iter().filter_map(Parameter::as_extractor);
        let args = extractors().find(|ty| extractor(ty) == Some("Args"));
        let takes_args = args.is_some();
        let first = list.iter().find_map(Parameter::as_argument);
        if let (Some(args), Some(first)) = (args, first) {
            let name = &first.name;
            let error = format!(
                "arguments are all in `Args`, or none of them: make `{name}` a field of its struct, or write its fields in place of it"
            );
            return Err(Error::new(args.span(), error));
        }
        Ok(Self { list, takes_args })
    }

    /// The arguments that clients give.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.list.iter().filter_map(Parameter::as_argument)
    }

    /// The extractor that is marked as one, or the first one.
    pub(crate) fn doubtful_extractor(&self) -> Option<&Type> {
        let extractors = || self.list.iter().filter_map(Parameter::as_extractor);
        let marked = extractors().find(|ty| extractor(ty).is_none());
        marked.or_else(|| extractors().next())
    }

    /// The names of arguments as clients give them, unless serde's attributes may say something else.
    pub(crate) fn names(&self) -> Option<Vec<(String, Span)>> {
        let named = |argument: &Argument| Some((argument.wire_name()?, argument.name.span()));
        self.arguments().map(named).collect()
    }
}

fn no_self(feature: Feature) -> String {
    let noun = feature.noun();
    format!(
        "a {noun} is a function without `self`: take what it needs as an extractor, such as `Env` or `Session<S>`"
    )
}

impl Parameter {
    fn read(feature: Feature, plain: &PatType) -> syn::Result<Self> {
        let is_marked = plain.attrs.iter().any(is_extract);
        let known = extractor(&plain.ty);
        if !is_marked && known.is_none() {
            return Argument::read(feature, plain)
                .map(|argument| Self::Argument(Box::new(argument)));
        }
        let of_an_argument = |attribute: &&Attribute| !stays(attribute) && !is_extract(attribute);
        match (plain.attrs.iter().find(of_an_argument), known) {
            (Some(attribute), Some(known)) if !is_marked => {
                let error = format!(
                    "`{known}` is an extractor, which clients do not see: remove this; or write the path of a type of your own, as \
                     `crate::{known}`"
                );
                Err(Error::new_spanned(attribute, error))
            }
            (Some(attribute), _) if !is_doc(attribute) => {
                let error = "an extractor is no field: remove this, or `#[extract]`";
                Err(Error::new_spanned(attribute, error))
            }
            _ => Ok(Self::Extractor(without_others(plain))),
        }
    }

    fn as_argument(&self) -> Option<&Argument> {
        match self {
            Self::Argument(argument) => Some(argument),
            Self::Extractor(_) => None,
        }
    }

    fn as_extractor(&self) -> Option<&Type> {
        match self {
            Self::Argument(_) => None,
            Self::Extractor(plain) => Some(&plain.ty),
        }
    }
}

impl Argument {
    fn read(feature: Feature, plain: &PatType) -> syn::Result<Self> {
        let name = match &*plain.pat {
            Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
                pattern.ident.clone()
            }
            pattern => {
                let error = "clients give an argument by its name: write one, and take it apart in the function";
                return Err(Error::new_spanned(pattern, error));
            }
        };
        check_type(&plain.ty)?;
        if let Some(condition) = plain
            .attrs
            .iter()
            .find(|attribute| attribute.path().is_ident("cfg"))
        {
            let error = "an argument is there always: put the condition above the function";
            return Err(Error::new_spanned(condition, error));
        }
        if feature == Feature::Resource {
            let error = format!(
                "a resource has no arguments: use `#[resource_template(\"..{{{name}}}\")]`, or mark an extractor with `#[extract]`"
            );
            return Err(Error::new(name.span(), error));
        }
        let attributes = plain.attrs.iter();
        let of_the_field =
            attributes.filter(|attribute| !stays(attribute) && !is_complete(attribute));
        Ok(Self {
            name,
            attributes: of_the_field.cloned().collect(),
            completer: completer(feature, &plain.attrs)?,
            plain: without_others(plain),
        })
    }

    /// The name as clients give it, unless an attribute of serde's leaves the argument without one.
    pub(crate) fn wire_name(&self) -> Option<String> {
        let of_serde = |attribute: &&Attribute| attribute.path().is_ident("serde");
        let name = Some(self.name.unraw().to_string());
        let mut attributes = self.attributes.iter().filter(of_serde);
        attributes
            .try_fold(name, |name, attribute| renamed(attribute, name))
            .ok()?
    }
}

/// The name that an attribute of serde's gives to a field of that name; none if the field is flattened or skipped.
fn renamed(attribute: &Attribute, mut name: Option<String>) -> syn::Result<Option<String>> {
    attribute.parse_nested_meta(|option| {
        let is_in_parentheses = option.input.peek(Paren);
        if option.path.is_ident("rename") && is_in_parentheses {
            option.parse_nested_meta(|side| {
                let given = side.value()?.parse::<LitStr>()?.value();
                if side.path.is_ident("deserialize") {
                    name = Some(given);
                }
                Ok(())
            })
        } else if option.path.is_ident("rename") {
            name = Some(option.value()?.parse::<LitStr>()?.value());
            Ok(())
        } else if is_in_parentheses {
            let content;
            parenthesized!(content in option.input);
            content.parse::<TokenStream>().map(drop)
        } else if option.input.peek(Token![=]) {
            option.value()?.parse::<Expr>().map(drop)
        } else {
            let nameless = ["flatten", "skip", "skip_deserializing"];
            if nameless
                .iter()
                .any(|option_of| option.path.is_ident(option_of))
            {
                name = None;
            }
            Ok(())
        }
    })?;
    Ok(name)
}

/// Refuses types that no field of a struct can have.
fn check_type(ty: &Type) -> syn::Result<()> {
    let error = match ty {
        Type::Reference(reference) if is_str(&reference.elem) => {
            "an argument owns its text: write `String`"
        }
        Type::Reference(_) => "an argument owns its value: write the type without `&`",
        Type::ImplTrait(_) => {
            "an argument has a type of its own: `impl Trait` says nothing about its schema"
        }
        _ => return Ok(()),
    };
    Err(Error::new_spanned(ty, error))
}

fn is_str(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("str"))
}

fn completer(feature: Feature, attributes: &[Attribute]) -> syn::Result<Option<Expr>> {
    let Some(attribute) = attributes.iter().find(|attribute| is_complete(attribute)) else {
        return Ok(None);
    };
    if !feature.completes() {
        let error = "only arguments of prompts and of resource templates have completers";
        return Err(Error::new_spanned(attribute, error));
    }
    let one = |_| Error::new_spanned(attribute, "write the completer: `#[complete(languages)]`");
    let completers = attribute
        .parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated)
        .map_err(one)?;
    match completers.into_iter().next() {
        Some(completer) => Ok(Some(completer)),
        None => Err(one(Error::new(Span::call_site(), ""))),
    }
}

/// The name of the extractor that a type is, by the name that it is written with.
fn extractor(ty: &Type) -> Option<&'static str> {
    let path = match ty {
        Type::Paren(inner) => return extractor(&inner.elem),
        Type::Path(path) if path.qself.is_none() => &path.path,
        _ => return None,
    };
    let last = path.segments.last()?;
    if last.ident == "Option" {
        return match &last.arguments {
            PathArguments::AngleBracketed(inner) => match inner.args.first()? {
                GenericArgument::Type(inner) => extractor(inner),
                _ => None,
            },
            _ => None,
        };
    }
    let known = EXTRACTORS.into_iter().find(|name| last.ident == name)?;
    is_of_the_library(path).then_some(known)
}

/// True for a name alone, and for a path into the library.
fn is_of_the_library(path: &Path) -> bool {
    let first = path.segments.first();
    path.segments.len() == 1 || first.is_some_and(|first| first.ident == "durable_mcp")
}

fn is_extract(attribute: &Attribute) -> bool {
    attribute.path().is_ident("extract")
}

fn is_complete(attribute: &Attribute) -> bool {
    attribute.path().is_ident("complete")
}

/// True for an attribute that a function's argument can have.
fn stays(attribute: &Attribute) -> bool {
    let path = attribute.path();
    OF_AN_ARGUMENT.iter().any(|name| path.is_ident(name))
}

/// The argument without the attributes that no function's argument can have.
fn without_others(plain: &PatType) -> PatType {
    let mut plain = plain.clone();
    plain.attrs.retain(stays);
    plain
}
