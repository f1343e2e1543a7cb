"""Figures, tables and pages.

Owns everything that draws, and the dashboard; plotly's only door. May import verdict and everything below it, and
search for importances. Begin with assemble.py: `CHAPTERS` is the whole report, in its order, below the first page of
`figures/first_page.py`. files.py writes the figures as files.

To add a figure, write one function from the `Source` to its `Section` in the module of `figures/` that fits, or in one
of your own, and name it in a chapter:

    def my_figure(source: Source) -> Iterator[Section]:
        if source.comparison is not None:  # yield nothing where the study has nothing to show
            yield Section("My figure", ("What it shows.",), style.figure([...]), (table(["column"], [...]),))

`source.study` holds what the database does (searches, confirmation), `source.verdict` what may be said of it, and
`source.metric` the unit in which people read a score. A figure begins with `style.figure` and `style.axis`, takes its
styles from `source.styles`, shows names through `style.label`, and has a table beside it.
"""
