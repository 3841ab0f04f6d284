// The card for a sign-in to this deployment.
import { useAppContext } from "./context.ts";
import type { DeploymentSignIn } from "./deployment-sign-in.ts";
import { SignInPlace } from "./sign-in.tsx";

/** `id` is of the card on the page, `text` says what it is for. */
export function DeploymentSignInCard({ account, id, text }: { account: DeploymentSignIn; id: string; text: string }) {
  const { say } = useAppContext();
  const { card } = account;
  if (!card) return null;
  return (
    <section class="card" aria-labelledby={id}>
      <h3 id={id}>{say("signIn.heading")}</h3>
      <p>{text}</p>
      {card.offer && (
        <p>
          {say("signIn.at")} <SignInPlace offer={card.offer} />{" "}
          {card.offer.scopes.map((scope) => (
            <span key={scope} class="tag">
              {scope}
            </span>
          ))}
        </p>
      )}
      {card.fault && (
        <p class="fault" role="alert" dir="auto">
          {card.fault === "popup" ? say("own.popup") : say("signIn.failed", { message: card.fault })}
        </p>
      )}
      {card.isWaiting && <p role="status">{say("signIn.waiting")}</p>}
      <button type="button" class="button" disabled={!card.offer} onClick={() => void account.signIn()}>
        {say(card.isWaiting || card.fault ? "signIn.again" : "signIn.button")}
      </button>
    </section>
  );
}
