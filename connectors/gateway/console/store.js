// A value that modules share, and that a component can follow.

import { useEffect, useState } from "./view.js";

export function store(initial) {
  let value = initial;
  const followers = new Set();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const follower of [...followers]) follower(value);
    },
    follow(follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
  };
}

export function useStore(followed) {
  const [value, setValue] = useState(followed.get());
  useEffect(() => {
    setValue(followed.get()); // it may have changed between the first drawing and now
    return followed.follow(setValue);
  }, [followed]);
  return value;
}

// What a person chose about the look of things, kept by the browser; without storage it is simply not kept.
export function kept(area, name, initial) {
  const choice = store(read(area, name) ?? initial);
  choice.follow((value) => write(area, name, value));
  return choice;
}

export function read(area, name) {
  try {
    return area.getItem(`awoooi.${name}`);
  } catch {
    return null;
  }
}

export function write(area, name, value) {
  try {
    if (value === null || value === "") area.removeItem(`awoooi.${name}`);
    else area.setItem(`awoooi.${name}`, value);
  } catch {
    // a browser that keeps nothing: the choice holds until the page is left
  }
}
