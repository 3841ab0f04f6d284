// Parts of the page that every connection uses, in one file.
export { ListAge } from "./list-age.tsx";
export { Changes } from "./changes.ts";
export { ListeningNote } from "./listening-note.tsx";
