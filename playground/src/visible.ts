// Texts of servers in which characters that have no shape, or that turn the direction, can be seen.

const code = (character: string): string => {
  const digits = (character.codePointAt(0) ?? 0).toString(16);
  return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits.padStart(4, "0")}`;
};

/** An address or identifier: all of it is seen. */
export const visible = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu, code);

/** A name, or a text within a sentence of the page. Joiners and variation selectors, which letters and emoji need, stay; what turns what stands around it does not. */
export const visibleName = (text: string): string => text.replace(/(?![\t\n\u200c\u200d\p{Variation_Selector}])[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu, code);
