// Finding inputs by a part of their path.

export function filterInputs(): void {
  const field = document.getElementById('filter');
  const rows = document.getElementById('input-rows');
  const count = document.getElementById('filter-count');
  if (!(field instanceof HTMLInputElement) || rows === null || count === null) return;
  field.addEventListener('input', () => {
    const wanted = field.value.toLowerCase();
    let shown = 0;
    for (const row of rows.children) {
      const fits = row.textContent.toLowerCase().includes(wanted);
      if (row instanceof HTMLElement) row.hidden = !fits;
      if (fits) shown++;
    }
    count.textContent = wanted === '' ? '' : `${shown} of ${rows.children.length}`;
  });
}
