//! The targets without libFuzzer: with every seed, and with mutations of them that are the same in each run. Costs are
//! bounded as in `scripts/fuzz`, but for the steps, which only its instrumentation counts.

use std::path::Path;

use durable_mcp_fuzz::{MAX_BYTES, codecs, documents, mutator, sign_in, transport};

/// Mutations per target; together they take some seconds in a build without optimisation.
const ROUNDS: u32 = 300;

/// Shows an input that fails.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input: {:?}", String::from_utf8_lossy(self.0));
        }
    }
}

fn run(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(name);
    let mut files: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let seeds: Vec<_> = files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    let mutations = (0..ROUNDS).map(|round| {
        let seed = &seeds[round as usize % seeds.len()];
        mutator::mutated(seed, MAX_BYTES, round)
    });
    for input in seeds.iter().cloned().chain(mutations) {
        let shown = Shown(&input);
        target(shown.0);
    }
}

macro_rules! targets {
    ($($name:ident => $target:path),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name), $target);
            }
        )*
    };
}

targets! {
    authorize => sign_in::authorize,
    client_document => sign_in::client_document,
    headers => documents::headers,
    json_rpc => documents::json_rpc,
    jwt => documents::jwt,
    made_up => codecs::made_up,
    params => documents::params,
    records => codecs::records,
    registration => documents::registration,
    sealed => codecs::sealed,
    session => transport::session,
    sign_in => sign_in::requests,
    stateless => transport::stateless,
    uris => documents::uris,
}
