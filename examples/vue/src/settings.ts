export interface Settings {
  apiUrl: string;
  accessToken?: string;
}

/** The site's settings. A site with users would ask its own server for a token instead. */
export async function loadSettings(): Promise<Settings> {
  const answer = await fetch("/config.json");
  return answer.json();
}
