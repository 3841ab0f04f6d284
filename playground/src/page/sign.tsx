// A sign in place of words, which readers that do not see it are told.

export function Sign({ sign, text }: { sign: string; text: string }) {
  return (
    <>
      <span aria-hidden="true">{sign}</span>
      <span class="unseen">{text}</span>
    </>
  );
}
