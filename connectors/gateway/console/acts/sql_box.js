export function SqlBox() {
  return null;
}
