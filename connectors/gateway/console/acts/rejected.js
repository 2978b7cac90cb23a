export function Rejected() {
  return null;
}
