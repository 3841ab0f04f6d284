// A stand-in of GitHub for those who fetch this repository from it: `git ls-remote`, and the archive of a commit by HTTPS.
import { createServer as createProxy } from "node:http";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { dirname, join } from "node:path";
import { root, run, temporaryFolder } from "../child.mjs";

const HOST = "github.com";

/** The repository's name with its owner, from the one place that has it. */
export function repository() {
  const [, name] = /^repository = "https:\/\/github\.com\/([\w.-]+\/[\w.-]+)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"));
  return name;
}

/**
 * Serves the files below `path` of the working tree as the one commit of the repository: `{ env, requests, [Symbol.asyncDispose] }`,
 * where `env` is for the programs that are to find it. No other host is reached with it.
 */
export async function startGitHub(path) {
  const folder = temporaryFolder("github");
  const commit = await commitOf(join(folder, "repository"), path);
  const name = repository();
  const prefix = `${name.split("/")[1]}-${commit}/`;
  const archive = join(folder, "archive.tar.gz");
  await done("git", ["archive", "--format=tar.gz", `--prefix=${prefix}`, `--output=${archive}`, "HEAD"], join(folder, "repository"));
  const { key, cert } = await certificate(folder);

  const requests = [];
  const site = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, ({ method, url }, response) => {
    requests.push(`${method} ${url}`);
    if (url === `/${name}/archive/${commit}.tar.gz`) response.end(readFileSync(archive));
    else response.writeHead(404).end();
  });
  const proxy = createProxy((_, response) => response.writeHead(403).end());
  proxy.on("connect", ({ url }, socket) => {
    socket.on("error", () => {});
    if (url !== `${HOST}:443`) return void socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    site.emit("connection", socket);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const env = {
    https_proxy: `http://127.0.0.1:${proxy.address().port}`,
    NODE_EXTRA_CA_CERTS: trusted(cert, folder),
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: `url.${join(folder, "repository")}.insteadOf`,
    GIT_CONFIG_VALUE_0: `https://${HOST}/${name}`,
  };
  const stop = async () => {
    proxy.closeAllConnections();
    site.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  };
  return { env, requests, [Symbol.asyncDispose]: stop };
}

// Of the working tree, as it would be committed.
async function commitOf(repository, path) {
  const { stdout } = await done("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", path], root);
  for (const file of stdout.split("\0").filter((file) => file && existsSync(join(root, file)))) {
    mkdirSync(dirname(join(repository, file)), { recursive: true });
    cpSync(join(root, file), join(repository, file));
  }
  await done("git", ["init", "--quiet", "--initial-branch=main"], repository);
  await done("git", ["add", "--all", "--force"], repository);
  const author = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"];
  await done("git", [...author, "commit", "--quiet", "--no-verify", "--message=Starters"], repository);
  return (await done("git", ["rev-parse", "HEAD"], repository)).stdout.trim();
}

// With what this machine trusts besides, since one file is all that Node.js reads.
function trusted(cert, folder) {
  const usual = process.env.NODE_EXTRA_CA_CERTS;
  const file = join(folder, "trusted.pem");
  writeFileSync(file, [usual && readFileSync(usual), readFileSync(cert)].filter(Boolean).join("\n"));
  return file;
}

// Node.js makes keys, and no certificates.
async function certificate(folder) {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const subject = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await done("openssl", ["req", "-x509", ...kind, ...subject, "-keyout", key, "-out", cert], folder);
  return { key, cert };
}

async function done(program, args, cwd) {
  const ended = await run(program, args, { cwd });
  if (ended.code !== 0) throw new Error(`${program} ${args.join(" ")}: ${ended.stdout}${ended.stderr}`);
  return ended;
}
