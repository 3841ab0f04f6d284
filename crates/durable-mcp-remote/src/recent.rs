//! Events that were given to the client already.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Events that are remembered. A resumed stream repeats those after the last one that arrived.
const MAX_EVENTS: usize = 1024;

/// The last events, by id and content. Ids alone would not do: some servers count anew in each stream.
#[derive(Default)]
pub(crate) struct RecentEvents {
    order: VecDeque<u64>,
    /// Whether the stream that carried it was a resumed one.
    resumed: HashMap<u64, bool>,
}

impl RecentEvents {
    /// Whether this event was given before and is carried again because a stream was resumed. Remembers it.
    pub(crate) fn was_given(&mut self, id: &str, data: &[u8], is_resumed: bool) -> bool {
        let mut hasher = DefaultHasher::new();
        (id, data).hash(&mut hasher);
        let event = hasher.finish();
        if let Some(was_resumed) = self.resumed.get_mut(&event) {
            let is_repeated = *was_resumed || is_resumed;
            *was_resumed |= is_resumed;
            return is_repeated;
        }
        if self.order.len() >= MAX_EVENTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.resumed.remove(&oldest);
        }
        self.order.push_back(event);
        self.resumed.insert(event, is_resumed);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_a_resumed_stream_repeats_is_delivered_once() {
        for first_is_resumed in [false, true] {
            let mut recent = RecentEvents::default();
            assert!(!recent.was_given("7", b"{}", first_is_resumed));
            assert!(recent.was_given("7", b"{}", !first_is_resumed));
        }
    }

    #[test]
    fn equal_event_ids_without_resumption_are_different_events() {
        let mut recent = RecentEvents::default();
        assert!(!recent.was_given("1", b"{}", false));
        assert!(!recent.was_given("1", b"{}", false));
        assert!(!recent.was_given("1", b"[]", true));
    }

    #[test]
    fn the_number_of_remembered_events_is_bounded() {
        let mut recent = RecentEvents::default();
        for number in 0..3 * MAX_EVENTS {
            recent.was_given(&number.to_string(), b"", true);
        }
        assert_eq!(
            (recent.order.len(), recent.resumed.len()),
            (MAX_EVENTS, MAX_EVENTS)
        );
    }
}
