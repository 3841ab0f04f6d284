// A sign in place of words, which readers that do not see it are told.

export function Glyph({ glyph, text }: { glyph: string; text: string }) {
  return (
    <>
      <span aria-hidden="true">{glyph}</span>
      <span class="unseen">{text}</span>
    </>
  );
}
