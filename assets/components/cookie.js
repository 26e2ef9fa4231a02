// Keeps one value in the browser for the next visit; draws nothing.

export default function ({ data }) {
  const age = data.value ? 31536000 : 0;
  document.cookie = `${data.name}=${data.value}; path=/; max-age=${age}; samesite=strict`;
}
