export function KillSwitch() {
  return null;
}
