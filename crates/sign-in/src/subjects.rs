//! Beginnings of the subjects of this library's providers, by which their users are told apart.

pub(crate) const ACCESS_SUBJECTS: &str = "access:";
pub(crate) const CLOUDFLARE_SUBJECTS: &str = "cloudflare:";
pub(crate) const DEMO_SUBJECTS: &str = "demo:";
pub(crate) const GITHUB_SUBJECTS: &str = "github:";
pub(crate) const GOOGLE_SUBJECTS: &str = "google:";
pub(crate) const OIDC_SUBJECTS: &str = "oidc:";

const ALL: [&str; 6] = [
    ACCESS_SUBJECTS,
    CLOUDFLARE_SUBJECTS,
    DEMO_SUBJECTS,
    GITHUB_SUBJECTS,
    GOOGLE_SUBJECTS,
    OIDC_SUBJECTS,
];

/// True if a subject begins with `own`, or with no prefix of this library's providers: users who were imported from
/// another server keep their ids.
pub(crate) fn begins_with(subject: &str, own: &str) -> bool {
    subject.starts_with(own) || !ALL.iter().any(|known| subject.starts_with(known))
}
