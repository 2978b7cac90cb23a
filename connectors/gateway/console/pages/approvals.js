export function Approvals() {
  return null;
}
export function ApprovalPage() {
  return null;
}
