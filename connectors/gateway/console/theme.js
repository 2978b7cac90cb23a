// Light or dark: as the system says, or as chosen here.

import { language } from "./i18n.js";
import { kept } from "./store.js";

export const THEMES = ["auto", "light", "dark"];
export const theme = kept(localStorage, "theme", "auto");

const follow = (followed, apply) => {
  followed.follow(apply);
  apply(followed.get());
};

follow(theme, (chosen) => (document.documentElement.dataset.theme = chosen));
follow(language, (chosen) => (document.documentElement.lang = chosen));
