export function Sound() {
  return null;
}
