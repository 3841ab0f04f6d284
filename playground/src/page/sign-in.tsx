// The card that asks before a window opens.
import { useState } from "preact/hooks";
import type { SignInOffer } from "../protocol.ts";
import type { Word } from "../words/en.ts";
import { useActions, useAppContext } from "./context.ts";
import { ProblemNote } from "./problem.tsx";

export function SignInCard() {
  const { state, client, say } = useAppContext();
  const [chosen, setChosen] = useState<boolean>();
  const { signIn, waitingStep, isStepping } = state;
  if (!signIn) return null;
  const { offer, fault, isWaiting } = signIn;
  const isOnDevice = chosen ?? offer?.isOnDevice ?? false;
  const server = new URL(state.target.url).host;
  return (
    <section class="card" aria-labelledby="sign-in-heading">
      <h3 id="sign-in-heading">{say("signIn.heading")}</h3>
      <p>{say(signIn.isStepUp ? "signIn.more" : "signIn.text", { server })}</p>
      {offer && (
        <dl>
          <dt>{say("signIn.at")}</dt>
          <dd>
            <SignInPlace offer={offer} />
          </dd>
          {offer.scopes.length > 0 && <dt>{say("signIn.scopes")}</dt>}
          {offer.scopes.length > 0 && (
            <dd>
              {offer.scopes.map((scope) => (
                <span key={scope} class="tag">
                  {scope}
                </span>
              ))}
            </dd>
          )}
        </dl>
      )}
      {fault && (
        <p class="fault" role="alert" dir="auto">
          {say("signIn.failed", { message: fault.message })}
        </p>
      )}
      {fault?.cause && <ProblemNote problem={fault} />}
      {waitingStep && (
        <div class="held" role="group" aria-label={say("signIn.held")}>
          <p role="status">
            <b>{say("signIn.held")}</b> {say(`step.${waitingStep.step}` as Word)}
          </p>
          <p>
            <code dir="auto">{waitingStep.request}</code>
          </p>
          <button type="button" class="button" onClick={() => client.goOn()}>
            {say("signIn.goOn")}
          </button>
        </div>
      )}
      {isWaiting && <p role="status">{say("signIn.waiting")}</p>}
      <p>
        <label class="check">
          <input type="checkbox" checked={isOnDevice} aria-describedby="keep-hint" onChange={(event) => setChosen(event.currentTarget.checked)} /> {say("signIn.keep")}
        </label>
        <span id="keep-hint" class="note">
          {say("signIn.keep.hint")}
        </span>
      </p>
      <p class="choice">
        <button type="button" class="button" disabled={!offer} onClick={() => void client.signIn(isOnDevice)}>
          {say(isWaiting || fault ? "signIn.again" : "signIn.button")}
        </button>
        {!isStepping && !isWaiting && (
          <button type="button" class="button plain" onClick={() => void client.stepThrough()}>
            {say("signIn.step")}
          </button>
        )}
        <button type="button" class="button plain" onClick={() => client.cancelSignIn()}>
          {say("signIn.cancel")}
        </button>
      </p>
    </section>
  );
}

/** The host that the person is sent to, and whose it is where its name does not tell that. */
export function SignInPlace({ offer: { host, issuer } }: { offer: SignInOffer }) {
  const { say } = useActions();
  const owner = URL.parse(issuer)?.host;
  return (
    <>
      <code>{host}</code>
      {owner !== host && (
        <>
          {" "}
          {say("signIn.of")} <code dir="auto">{owner ?? issuer}</code>
        </>
      )}
      {/(^|\.)xn--/.test(host) && <span class="fault">{say("question.punycode", { host })}</span>}
    </>
  );
}
