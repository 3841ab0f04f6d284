// Texts of servers in which characters that have no shape, or that turn the direction, can be seen.

const code = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** An address or identifier: all of it is seen. */
export const visible = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, code);

/** A name, or a text within a sentence of the page. Joiners, which letters and emoji need, stay; what turns what stands around it does not. */
export const named = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, code);
