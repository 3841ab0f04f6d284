//! Routes of an application: those that it serves, by its settings.

use super::app::App;
use super::operator::OperatorAccess;
use super::playground::paths::PAGE;
use super::route::Route;

impl App {
    /// The route of a path. Routes of the user's own come last.
    #[must_use]
    pub fn route_of(&self, path: &str) -> Route {
        match self.library_route(path) {
            Route::Unknown if self.own_route(path).is_some() => Route::Own,
            route => route,
        }
    }

    /// The route of a path among those of this library.
    pub(super) fn library_route(&self, path: &str) -> Route {
        match (self.exact_route(path), path.strip_suffix('/')) {
            // People and programs add a slash: the same endpoint and the same resource.
            (Route::Unknown, Some(shorter)) if !shorter.is_empty() => self.exact_route(shorter),
            (route, _) => route,
        }
    }

    fn exact_route(&self, path: &str) -> Route {
        match (self.paths.route(path), &self.provider) {
            (Route::PlaygroundConfig | Route::PlaygroundClient | Route::PlaygroundApp, _)
                if !self.has_playground =>
            {
                Route::Unknown
            }
            (Route::Unknown, _) if self.has_playground_file(path) => Route::PlaygroundFile,
            (Route::PlaygroundChat, _) if self.chat.is_none() => Route::Unknown,
            (Route::PlaygroundRelay, _) if self.relay.is_none() => Route::Unknown,
            (Route::Unknown, Some(provider)) => match provider.route(path) {
                Route::Operator if self.operator == OperatorAccess::Off => Route::Unknown,
                route => route,
            },
            (route, _) => route,
        }
    }

    /// Checks whether a path belongs to the playground's files, which reach the Worker only if it runs before the assets.
    fn has_playground_file(&self, path: &str) -> bool {
        let below = path.strip_prefix(PAGE);
        self.has_playground && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}
