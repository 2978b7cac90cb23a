export function ApprovalCard() {
  return null;
}
