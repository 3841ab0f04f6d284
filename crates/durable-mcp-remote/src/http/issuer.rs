//! Name of a certificate's issuer, for errors.

/// Object identifiers of X.520: organization and common name.
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// Explicit tag of the version, which may be absent.
const VERSION: u8 = 0xa0;

/// Common name, else organization, of the issuer of a certificate in DER (RFC 5280, section 4.1).
pub(super) fn issuer(certificate: &[u8]) -> Option<String> {
    let certificate = Element::read(certificate)?.0.inside(SEQUENCE)?;
    let mut rest = Element::read(certificate)?.0.inside(SEQUENCE)?;
    let (first, behind) = Element::read(rest)?;
    if first.tag == VERSION {
        rest = behind;
    }
    // Serial number and signature algorithm stand before the issuer.
    for _ in 0..2 {
        rest = Element::read(rest)?.1;
    }
    let mut names = Element::read(rest)?.0.inside(SEQUENCE)?;
    let mut organization = None;
    while let Some((set, behind)) = Element::read(names) {
        names = behind;
        let pair = Element::read(set.inside(SET)?)?.0.inside(SEQUENCE)?;
        let (kind, behind) = Element::read(pair)?;
        let value = String::from_utf8_lossy(Element::read(behind)?.0.content).into_owned();
        match kind.inside(OBJECT_IDENTIFIER)? {
            COMMON_NAME => return Some(value),
            ORGANIZATION => organization = Some(value),
            _ => {}
        }
    }
    organization
}

/// Tag and content of a value in DER.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

impl<'a> Element<'a> {
    /// First element, and the bytes behind it.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[tag, length], mut rest) = bytes.split_first_chunk::<2>()?;
        let mut size = usize::from(length);
        if length & 0x80 != 0 {
            // Three bytes of length suffice for any certificate.
            let digits = usize::from(length & 0x7f);
            if digits > 3 {
                return None;
            }
            let (bytes, behind) = rest.split_at_checked(digits)?;
            size = bytes
                .iter()
                .fold(0, |size, byte| (size << 8) | usize::from(*byte));
            rest = behind;
        }
        let (content, behind) = rest.split_at_checked(size)?;
        Some((Self { tag, content }, behind))
    }

    fn inside(&self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

#[cfg(test)]
mod tests {
    use super::issuer;

    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], length.as_slice(), &content].concat()
    }

    fn name(kind: &[u8], value: &str) -> Vec<u8> {
        let pair = element(
            0x30,
            &[&element(0x06, &[kind]), &element(0x0c, &[value.as_bytes()])],
        );
        element(0x31, &[&pair])
    }

    fn certificate(names: &[Vec<u8>]) -> Vec<u8> {
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let version = element(0xa0, &[&element(0x02, &[&[2]])]);
        let serial = element(0x02, &[&[1]]);
        let algorithm = element(0x30, &[]);
        let signed = element(
            0x30,
            &[&version, &serial, &algorithm, &element(0x30, &names)],
        );
        element(0x30, &[&signed])
    }

    #[test]
    fn the_common_name_comes_before_the_organization() {
        let organization = name(&[0x55, 0x04, 0x0a], "Acme");
        let both = certificate(&[organization.clone(), name(&[0x55, 0x04, 0x03], "Acme Root")]);
        assert_eq!(issuer(&both).as_deref(), Some("Acme Root"));
        assert_eq!(
            issuer(&certificate(&[organization])).as_deref(),
            Some("Acme")
        );
        assert_eq!(issuer(&certificate(&[])), None);
    }

    #[test]
    fn a_certificate_cut_anywhere_has_no_issuer() {
        let whole = certificate(&[name(&[0x55, 0x04, 0x03], "Acme Root")]);
        for end in 0..whole.len() {
            assert_eq!(issuer(&whole[..end]), None, "{end}");
        }
    }
}
