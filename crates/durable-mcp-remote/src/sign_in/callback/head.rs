//! Heads of the requests of browsers.

use std::io;

use reqwest::Url;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::sign_in::page::Language;

/// Largest head of a request: browsers send cookies of other programs on this machine, too.
const MAX_HEAD: usize = 64 * 1024;
/// Empty line that ends the head of a request.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Reads the head of a request.
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk).await?;
        if count == 0 || head.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // The end may have begun in the bytes before.
        let start = head.len().saturating_sub(HEAD_END.len() - 1);
        head.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if memchr::memmem::find(head.get(start..).unwrap_or_default(), HEAD_END).is_some() {
            break;
        }
    }
    String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Parts of a request that count here.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) is_of_loopback: bool,
    pub(super) language: Language,
}

impl Head {
    pub(super) fn parse(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?);
        let url = Url::parse(&format!("http://localhost{target}"))
            .ok()
            .filter(|_| target.starts_with('/'))?;
        let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
        let values = |wanted: &'static str| {
            let fields = fields
                .iter()
                .filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
            fields.map(|(_, value)| value.trim())
        };
        // A page of another name that resolves to this machine must not be able to ask.
        let is_of_loopback =
            values("host").count() == 1 && values("host").all(is_loopback_authority);
        let language = Language::of(values("accept-language").next().unwrap_or_default());
        Some(Self {
            method,
            url,
            is_of_loopback,
            language,
        })
    }
}

fn is_loopback_authority(authority: &str) -> bool {
    let is_plain = !authority.contains(['@', '/', '?', '#', '\\']);
    is_plain
        && Url::parse(&format!("http://{authority}"))
            .is_ok_and(|url| crate::arguments::is_loopback(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_accepted_as_callback_host() {
        for host in [
            "localhost",
            "localhost:3334",
            "127.0.0.1:1",
            "[::1]:80",
            "LOCALHOST:1",
        ] {
            assert!(is_loopback_authority(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:1",
            "evil@localhost",
            "127.0.0.1.nip.io",
            "localhost/x",
        ] {
            assert!(!is_loopback_authority(host), "{host}");
        }
    }

    /// One byte a read, as far as there are any.
    struct ByteByByte<'a>(&'a [u8]);

    impl AsyncRead for ByteByByte<'_> {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<io::Result<()>> {
            if let Some((first, rest)) = self.0.split_first() {
                buffer.put_slice(&[*first]);
                self.0 = rest;
            }
            std::task::Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_request_head_ends_at_its_empty_line_in_any_division() {
        let text = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut slow = ByteByByte(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nrest");
        assert_eq!(read_head(&mut slow).await.unwrap(), text);
        assert_eq!(read_head(&mut text.as_bytes()).await.unwrap(), text);
        assert!(
            read_head(&mut "GET / HTTP/1.1\r\nHost: localhost\r\n".as_bytes())
                .await
                .is_err()
        );
        let endless = "x".repeat(2 * MAX_HEAD);
        assert!(
            read_head(&mut ByteByByte(endless.as_bytes()))
                .await
                .is_err()
        );
    }

    #[test]
    fn a_request_head_needs_one_host_and_a_path() {
        let parse = |text: &str| Head::parse(text);
        let good =
            parse("GET /oauth/callback?code=a HTTP/1.1\r\nHost: localhost:1\r\nAccept-Language: zh\r\n\r\n").unwrap();
        assert!(good.is_of_loopback);
        assert_eq!(
            (good.url.path(), good.language),
            ("/oauth/callback", Language::Chinese)
        );
        assert!(!parse("GET / HTTP/1.1\r\n\r\n").unwrap().is_of_loopback);
        assert!(
            !parse("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
                .unwrap()
                .is_of_loopback
        );
        for bad in [
            "",
            "GET",
            "GET http://x/ HTTP/1.1\r\n\r\n",
            "GET @evil.example/ HTTP/1.1\r\n\r\n",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
