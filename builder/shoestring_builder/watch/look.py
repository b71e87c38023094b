"""What ``status.html`` looks like: dark or light as the reader's system is, down to a phone."""

STYLE = """
:root {
  --back: #fff; --text: #1b1f23; --soft: #59636e; --line: #d5dade; --link: #0a58a8;
  --good: #11663a; --bad: #a4161a; --c0: #d8dfe6; --c1: #b3cbdc; --c2: #7fb0cf; --c3: #3f87b8;
  --c4: #0b4f86; --c5: #7a7a7a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14181c; --text: #e6e9ec; --soft: #a3adb7; --line: #38414a; --link: #7cc0ff;
    --good: #6fd39a; --bad: #ff8f8a; --c0: #2f3a44; --c1: #3c5a70; --c2: #4a82a8; --c3: #69b0dd;
    --c4: #c4e6ff; --c5: #8b8b8b;
  }
}
body {
  background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
  max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere;
}
h1, h2 { line-height: 1.2; }
h2 { margin: 2rem 0 .5rem; font-size: 1.25rem; }
a { color: var(--link); }
.good { color: var(--good); }
.bad { color: var(--bad); }
.verdict { border-left: .4rem solid; padding: .3rem .8rem; }
.wide { overflow-x: auto; }
.wide svg { display: block; width: 100%; min-width: 34rem; }
svg text { font-size: 7px; fill: var(--soft); }
svg path { stroke-width: 1; fill: none; }
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); }
.c3 { stroke: var(--c3); } .c4 { stroke: var(--c4); } .c5 { stroke: var(--c5); }
svg path.month { stroke: var(--line); stroke-width: .4; }
.growth { display: block; width: 100%; height: 8rem; }
.growth .line { stroke: var(--c3); stroke-width: 2; vector-effect: non-scaling-stroke; }
.growth .area { fill: var(--c3); opacity: .2; }
figure { margin: 0; }
figcaption, footer, .legend { color: var(--soft); font-size: .875rem; }
footer { margin-top: 2rem; }
.legend span { white-space: nowrap; margin-right: .8rem; }
.legend svg { height: .9rem; width: .3rem; margin-right: .25rem; vertical-align: -.1rem; }
.legend svg path { stroke-width: 2; }
summary { cursor: pointer; }
details { margin: .25rem 0; }
table { border-collapse: collapse; font-size: .875rem; overflow-wrap: normal; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td:first-child, td:last-child, td .good, td .bad { white-space: nowrap; }
"""
