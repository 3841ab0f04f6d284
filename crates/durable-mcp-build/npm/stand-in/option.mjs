// `--stand-in github`: sign-in against a stand-in of the provider, which needs no account and no application there.
import { Failure, say } from "../lib/say.mjs";
import { ANN, BOB, Cloudflare } from "./cloudflare.mjs";
import { GitHub, HUBOT, OCTOCAT } from "./github.mjs";

const STAND_INS = {
  github: {
    title: "GitHub",
    // Whatever organisation or team a list names, the octocat is a member, and hubot is not.
    start: () => new GitHub({ people: [{ ...OCTOCAT, everywhere: true }, HUBOT] }).start(),
    people: "octocat, a member of every organisation and team, or hubot, a member of none",
  },
  cloudflare: {
    title: "Cloudflare",
    start: () => new Cloudflare({ people: [ANN, BOB] }).start(),
    people: `${ANN.email}, who has two accounts, or ${BOB.email}, who has none`,
  },
};
const NAMES = Object.keys(STAND_INS).join(" or ");
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

/** The stand-in that options ask for, if any, and the other options: those of wrangler. */
export function standInOf(options) {
  const rest = [...options];
  const name = taken(rest, "--stand-in");
  if (name === undefined) return { rest };
  if (!Object.hasOwn(STAND_INS, name)) throw new Failure(`--stand-in is ${NAMES}`);
  // On a network, everybody could sign in as anybody.
  const ip = taken(rest, "--ip") ?? "localhost";
  // wrangler has `-r` for `--remote`, also among other letters.
  const shared = rest.find((option) => /^--(remote|tunnel|ip)(=(?!false$)|$)|^-[a-z]*r(?!=false$)/i.test(option));
  if (shared !== undefined || !LOOPBACK.includes(ip)) {
    throw new Failure(`--stand-in is for this machine alone: leave out ${shared ?? `--ip ${ip}`}`);
  }
  return { name, rest: [...rest, "--ip", ip] };
}

/** Starts it: `{ options, stop() }`, where `options` are those of a wrangler whose server asks it. */
export async function startStandIn(name) {
  const { title, start, people } = STAND_INS[name];
  const provider = await start();
  say(`a stand-in for ${title} is at ${provider.url}: people sign in as ${people}. ${title} itself is not asked`);
  // These go before .dev.vars and the configuration, and no deployment has them.
  const options = Object.entries(provider.vars).flatMap(([variable, value]) => ["--var", `${variable}:${value}`]);
  return { options, stop: () => provider.stop() };
}

/** Takes an option with a value out of `options`; undefined without it. */
function taken(options, name) {
  const at = options.findIndex((option) => option === name || option.startsWith(`${name}=`));
  if (at < 0) return undefined;
  const own = options[at].startsWith(`${name}=`) ? options.splice(at, 1) : options.splice(at, 2);
  return own.length === 2 ? own[1] : own[0].slice(name.length + 1);
}
