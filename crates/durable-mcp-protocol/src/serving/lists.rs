//! Requests for lists: `tools/list`, `resources/list`, `prompts/list`.

use crate::caching::{CacheScope, Caching};
use crate::context::Context;
use crate::error::Error;
use crate::fields::Fields;
use crate::jsonrpc::to_json;
use crate::pagination::page;
use crate::response::CallResponse;
use crate::server::Server;
use crate::state_argument;

impl Server {
    pub(crate) fn list_tools(
        &self,
        context: &Context,
        fields: &Fields<'_>,
    ) -> Result<CallResponse, Error> {
        let shown = self
            .served_tools()
            .filter(|tool| tool.is_visible_to(context.caller()))
            .map(|tool| {
                let listed = tool.listed(context.client().version);
                if state_argument::is_named(context, &tool.signature) {
                    to_json(&state_argument::of_tool(listed))
                } else {
                    to_json(&listed)
                }
            });
        let for_all = self.served_tools().all(|tool| tool.is_for_everybody());
        self.list(
            "tools",
            shown,
            fields,
            if for_all {
                CacheScope::Public
            } else {
                CacheScope::Private
            },
        )
    }

    pub(crate) fn list_resources(
        &self,
        context: &Context,
        fields: &Fields<'_>,
    ) -> Result<CallResponse, Error> {
        let shown = self.resources.iter().map(|one| {
            if state_argument::is_named(context, &one.signature) {
                to_json(&state_argument::of_resource(&one.definition))
            } else {
                to_json(&one.definition)
            }
        });
        self.list("resources", shown, fields, CacheScope::Public)
    }

    pub(crate) fn list_prompts(
        &self,
        context: &Context,
        fields: &Fields<'_>,
    ) -> Result<CallResponse, Error> {
        let shown = self.served_prompts().map(|one| {
            if state_argument::is_named(context, &one.signature) {
                to_json(&state_argument::of_prompt(one.listed()))
            } else {
                to_json(&one.listed())
            }
        });
        self.list("prompts", shown, fields, CacheScope::Public)
    }

    pub(crate) fn list_resource_templates(
        &self,
        fields: &Fields<'_>,
    ) -> Result<CallResponse, Error> {
        let shown = self.served_templates().map(|one| to_json(&one.definition));
        self.list("resourceTemplates", shown, fields, CacheScope::Public)
    }

    fn list(
        &self,
        key: &str,
        items: impl Iterator<Item = String>,
        fields: &Fields<'_>,
        scope: CacheScope,
    ) -> Result<CallResponse, Error> {
        let cursor = fields.optional_text("cursor")?;
        let json = page(
            key,
            &items.collect::<Vec<_>>(),
            cursor.as_deref(),
            self.page_size,
        )?;
        Ok(CallResponse::cached(json, self.caching(scope)))
    }

    pub(crate) fn caching(&self, scope: CacheScope) -> Caching {
        Caching {
            ttl_ms: self.list_ttl_ms,
            scope,
        }
    }
}
