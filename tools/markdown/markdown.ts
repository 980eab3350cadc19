// The interface that the world exports. What is done here at the top level happens while the component is built: texts
// that touch every rule, so that the regular expressions of a call are compiled before the first one.

import { htmlToMarkdown } from "./markup.ts";
import { headings, toHtml } from "./render.ts";
import { htmlToText } from "./text.ts";

export const documents = { headings, htmlToMarkdown, htmlToText, toHtml };

const MARKDOWN = `# a ***b*** \`c\` ~~d~~ \\* &amp; &#42; é日

[e](http://f.g "h") <http://i.j> http://k.l www.m.com n@o.org ![p](q) [r] [s][r] <b>t</b> <!-- u -->

- [ ] v
- [x] w

1. x

> y

| z | a |
|---|:-:|
| b | c |

\`\`\`d
e
\`\`\`

<div>f</div>

    g

h
===
***

[r]: http://s.t 'u'
`;

for (const rawHtml of ["escape", "drop", "keep"] as const) {
  const html = toHtml(MARKDOWN, { rawHtml, breaks: true, linkify: true, headingIds: true });
  htmlToText(`${html}<script>a</script><p style="display:none">b</p>&lt;&nosuch;&#x2a;`, { width: 20, links: "references" });
  htmlToMarkdown(html);
}
headings(MARKDOWN);
