//! Code that takes the place of the function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, ReturnType, Type};

use crate::arguments::{Argument, Parameter, Parameters};
use crate::feature::Feature;
use crate::function::Function;
use crate::options::Options;

/// Attributes of the function that returns the feature; others are those of the function that the user wrote.
const OF_THE_FEATURE: [&str; 6] = ["allow", "cfg", "deprecated", "doc", "must_use", "warn"];

/// All that is known of a feature.
pub(crate) struct Expansion<'a> {
    pub(crate) feature: Feature,
    pub(crate) function: &'a Function,
    pub(crate) options: Options,
    pub(crate) parameters: Parameters,
    pub(crate) description: Option<TokenStream>,
}

/// The function that returns the feature, in place of the one that the user wrote.
pub(crate) fn replacement(
    feature: Feature,
    function: &Function,
    body: &TokenStream,
) -> TokenStream {
    let attributes = function.attributes.iter().filter(|a| is_of_the_feature(a));
    let (visibility, name, made) = (
        &function.visibility,
        &function.signature.ident,
        feature.made(Span::mixed_site()),
    );
    let is_must_use = |attribute: &Attribute| attribute.path().is_ident("must_use");
    let must_use = (!function.attributes.iter().any(is_must_use)).then(|| quote!(#[must_use]));
    quote! {
        #(#attributes)*
        #must_use
        #visibility fn #name() -> #made {
            #body
        }
    }
}

fn is_of_the_feature(attribute: &Attribute) -> bool {
    OF_THE_FEATURE
        .iter()
        .any(|name| attribute.path().is_ident(name))
}

impl Expansion<'_> {
    /// The code.
    pub(crate) fn code(&self) -> TokenStream {
        let (written, arguments) = (self.written(), self.arguments());
        let (checks, handler, feature) = (self.checks(), self.handler(), self.made());
        let body = quote! {
            #written
            #arguments
            #checks
            #handler
            #feature
        };
        replacement(self.feature, self.function, &body)
    }

    /// The function that the user wrote.
    fn written(&self) -> TokenStream {
        let Function {
            attributes,
            signature,
            body,
            ..
        } = self.function;
        let of_both = |attribute: &&Attribute| {
            let path = attribute.path();
            !is_of_the_feature(attribute) || path.is_ident("allow") || path.is_ident("warn")
        };
        let attributes = attributes.iter().filter(of_both);
        let parameters = self
            .parameters
            .list
            .iter()
            .map(|parameter| match parameter {
                Parameter::Argument(argument) => &argument.plain,
                Parameter::Extractor(plain) => plain,
            });
        let (name, output) = (&signature.ident, &signature.output);
        let (asyncness, fn_token) = (signature.asyncness, signature.fn_token);
        quote! {
            #(#attributes)*
            #[allow(
                clippy::too_many_arguments,
                clippy::unused_async,
                reason = "a handler is async, and its arguments are fields of a struct"
            )]
            #asyncness #fn_token #name(#(#parameters),*) #output #body
        }
    }

    /// The struct of the arguments that clients give.
    fn arguments(&self) -> Option<TokenStream> {
        let name = self.arguments_name()?;
        let fields = self.parameters.arguments().map(|argument| {
            let Argument {
                name,
                attributes,
                plain,
                ..
            } = argument;
            let ty = &plain.ty;
            quote!(#(#attributes)* #name: #ty)
        });
        Some(quote! {
            #[derive(::durable_mcp::macros::serde::Deserialize, ::durable_mcp::macros::schemars::JsonSchema)]
            #[serde(crate = "::durable_mcp::macros::serde")]
            #[schemars(crate = "::durable_mcp::macros::schemars")]
            struct #name {
                #(#fields,)*
            }
        })
    }

    /// The name of that struct, which hides none of the user's: `__AddArguments` of `add`.
    fn arguments_name(&self) -> Option<Ident> {
        self.parameters.arguments().next()?;
        let name = self.function.signature.ident.unraw().to_string();
        let words = name.split('_').map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(char::to_uppercase);
            first
                .into_iter()
                .flatten()
                .chain(letters)
                .collect::<String>()
        });
        let name = words.collect::<String>();
        Some(format_ident!(
            "__{name}Arguments",
            span = Span::mixed_site()
        ))
    }

    /// Checks of the arguments' types, whose errors say more than those of the struct.
    fn checks(&self) -> TokenStream {
        let check = |argument: &Argument| {
            let ty = &argument.plain.ty;
            let span = Span::mixed_site().located_at(ty.span());
            quote_spanned!(span=> ::durable_mcp::macros::check_argument::<#ty>();)
        };
        self.parameters.arguments().map(check).collect()
    }

    /// The handler: the function, with the fields of the struct as its arguments.
    fn handler(&self) -> TokenStream {
        let written = &self.function.signature.ident;
        let handler = self.handler_name();
        let Some(arguments) = self.arguments_name() else {
            return quote!(let #handler = #written;);
        };
        let values = format_ident!("arguments", span = Span::mixed_site());
        let (mut parameters, mut passed) = (Vec::new(), Vec::new());
        for (at, parameter) in self.parameters.list.iter().enumerate() {
            match parameter {
                Parameter::Argument(argument) => {
                    let name = &argument.name;
                    passed.push(quote!(#values.#name));
                }
                Parameter::Extractor(plain) => {
                    let name = format_ident!("extractor_{at}", span = Span::mixed_site());
                    let ty = &plain.ty;
                    parameters.push(quote!(#name: #ty));
                    passed.push(name.into_token_stream());
                }
            }
        }
        let args = quote!(::durable_mcp::prelude::Args);
        quote! {
            let #handler = |#args(#values): #args<#arguments>, #(#parameters),*| #written(#(#passed),*);
        }
    }

    /// The variable of the handler. What the compiler says of the function's result points at its type.
    fn handler_name(&self) -> Ident {
        let signature = &self.function.signature;
        let span = match &signature.output {
            ReturnType::Type(_, ty) => ty.span(),
            ReturnType::Default => signature.ident.span(),
        };
        format_ident!("handler", span = Span::mixed_site().located_at(span))
    }

    /// The builder's call.
    fn made(&self) -> TokenStream {
        let Options {
            address,
            name,
            calls,
            ..
        } = &self.options;
        let of_the_function = || {
            let name = self.function.signature.ident.unraw().to_string();
            quote!(#name)
        };
        let name = name.clone().unwrap_or_else(of_the_function);
        let (second, described) = match (address, &self.description) {
            (Some(address), Some(text)) => (quote!(#address), Some(quote!(.description(#text)))),
            (Some(address), None) => (quote!(#address), None),
            (None, text) => (quote!(#text), None),
        };
        let completers = self.parameters.arguments().filter_map(completed);
        let handler = self.handler_name();
        // The compiler's error for a type that is no extractor points at this call, so it is where the type is.
        let span = self.extractor_span();
        let made = self.feature.made(span);
        let new = quote_spanned!(span=> #made::new);
        quote! {
            #new(#name, #second, #handler) #described #(#calls)* #(#completers)*
        }
    }

    fn extractor_span(&self) -> Span {
        let of_the_name = || self.function.signature.ident.span();
        let extractor = self.parameters.doubtful_extractor();
        Span::mixed_site().located_at(extractor.map_or_else(of_the_name, Type::span))
    }
}

fn completed(argument: &Argument) -> Option<TokenStream> {
    let completer = argument.completer.as_ref()?;
    let name = argument
        .wire_name()
        .unwrap_or_else(|| argument.name.unraw().to_string());
    Some(quote!(.complete(#name, #completer)))
}
