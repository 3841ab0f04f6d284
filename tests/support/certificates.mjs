// Certificates for tests, by openssl: Node.js makes keys, and no certificates.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";

/** A certificate authority named `name` and a certificate for the hosts, in files of `folder`: `{ ca, key, cert }`. */
export async function certificates(folder, { name = "Acme Test Root", hosts = ["localhost"], days = 2 } = {}) {
  const files = Object.fromEntries(["ca", "caKey", "key", "request", "cert", "extensions"].map((file) => [file, join(folder, `${file}.pem`)]));
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl("req", "-x509", ...kind, "-days", "2", "-subj", `/O=Acme/CN=${name}`, "-keyout", files.caKey, "-out", files.ca);
  await openssl("req", ...kind, "-subj", `/CN=${hosts[0]}`, "-keyout", files.key, "-out", files.request);
  writeFileSync(files.extensions, `subjectAltName=${hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`)).join(",")}\n`);
  await openssl("x509", "-req", "-in", files.request, "-CA", files.ca, "-CAkey", files.caKey, "-CAcreateserial", "-days", `${days}`, "-extfile", files.extensions, "-out", files.cert);
  return { ca: files.ca, key: readFileSync(files.key), cert: readFileSync(files.cert) };
}

async function openssl(...args) {
  const { code, stderr } = await run("openssl", args);
  if (code !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}
