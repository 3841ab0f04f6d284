//! `--ignore-tool` and `--allow-tool`.

/// Patterns of tool names; a tool is hidden if one of `ignored` matches, or none of `allowed` where there are any.
///
/// `*` stands for any text. Case makes no difference, as in `mcp-remote`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ToolFilter {
    pub(crate) ignored: Vec<String>,
    pub(crate) allowed: Vec<String>,
}

impl ToolFilter {
    /// Whether no tool is hidden.
    pub(crate) fn is_empty(&self) -> bool {
        self.ignored.is_empty() && self.allowed.is_empty()
    }

    pub(crate) fn hides(&self, tool: &str) -> bool {
        let listed = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, tool));
        listed(&self.ignored) || (!self.allowed.is_empty() && !listed(&self.allowed))
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let name = name.to_lowercase();
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    // The leftmost match of each part leaves the most room for those behind it.
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::ToolFilter;

    fn ignoring(pattern: &str) -> ToolFilter {
        ToolFilter {
            ignored: vec![pattern.to_owned()],
            allowed: Vec::new(),
        }
    }

    #[test]
    fn a_star_stands_for_any_text_and_case_makes_no_difference() {
        assert!(ignoring("delete*").hides("deleteTask"));
        assert!(ignoring("delete*").hides("delete"));
        assert!(!ignoring("delete*").hides("undelete"));
        assert!(ignoring("*account").hides("removeAccount"));
        assert!(ignoring("a*b*c").hides("axbxbc"));
        assert!(!ignoring("a*b*c").hides("acb"));
        assert!(ignoring("*").hides("anything"));
        assert!(!ignoring("ab*ba").hides("aba"));
    }

    #[test]
    fn all_characters_of_a_pattern_but_the_star_are_literal() {
        assert!(ignoring("a.b").hides("a.b"));
        assert!(!ignoring("a.b").hides("axb"));
        assert!(!ignoring("exact").hides("exactly"));
    }

    #[test]
    fn a_tool_that_is_allowed_and_ignored_is_hidden() {
        let filter = ToolFilter {
            ignored: vec!["get_secret".to_owned()],
            allowed: vec!["get_*".to_owned()],
        };
        assert!(!filter.hides("get_user"));
        assert!(filter.hides("get_secret"));
        assert!(filter.hides("set_user"));
        assert!(!ToolFilter::default().hides("set_user"));
    }
}
