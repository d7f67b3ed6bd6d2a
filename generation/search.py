"""The text index of the library: words by their beginnings and whole labels, tenant by tenant.

Full-text operators are not leakproof, so under row security Postgres reads all of a tenant's rows
before it applies them. `content_search` therefore looks into the index as a role that sees every
row, gives back ids of the tenant in scope only, and the query around it is secured as any other.
Each word in the index begins with its tenant's key: a search reads that tenant's entries alone.

A word is a run of letters and digits in lower case, without accents; a Chinese character and a kana
are words by themselves. Words are found by their beginnings (`anv` finds Anvils), labels whole.
"""

from django.db.models import F, Func, TextField
from django.db.models.expressions import RawSQL

from tenants.rls import TENANT

# What stands between words: controls, ASCII's and Latin-1's signs, general, CJK and full-width
# punctuation. Spelt out, so that it does not depend on the database's locale.
BETWEEN = (
    r"[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b1\u00b4-\u00b8\u00bb\u00bf"
    r"\u2000-\u206f\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+"
)
CHINESE = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
MOST_CHARS = 60

# As `saas.folding.folded` has it: capitals, accents and the kinds of quotation marks mean nothing.
FOLD = """
CREATE OR REPLACE FUNCTION public.search_fold(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT lower(normalize(regexp_replace(
    normalize(translate(given, '‘’‚‛′`´“”„‟″«»', repeat('''', 7) || repeat('"', 7)), NFKD),
    '[\u0300-\u036f]', '', 'g'), NFKC))
$$
"""

WORDS = f"""
CREATE OR REPLACE FUNCTION public.search_words(given text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT array_remove(string_to_array(regexp_replace(
    regexp_replace(public.search_fold(given), '{BETWEEN}', ' ', 'g'), '({CHINESE})', ' \\1 ', 'g'
), ' '), '')
$$
"""

# The last part of a version 7 UUID is random: a short key of the tenant.
ENTRIES = f"""
CREATE FUNCTION public.content_entries(tenant uuid, title text, body text, labels text[])
RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
SELECT array_to_tsvector(ARRAY(
    SELECT right(tenant::text, 12) || left(word, {MOST_CHARS})
    FROM unnest(public.search_words(title || ' ' || body)) word
    UNION ALL SELECT right(tenant::text, 12) || '#' || md5(label) FROM unnest(labels) label
))
$$
"""

INDEX = """
CREATE INDEX content_words ON generation_content
USING gin (public.content_entries(tenant_id, title, text, labels))
"""

SIGNATURE = "content_search(words text, labels text[]) RETURNS SETOF uuid"

# Materialized: the planner shall not read all of a tenant's rows and split their texts anew.
FOUND = f"""
WITH wanted AS (
    SELECT string_agg('''' || right({TENANT}::text, 12) || entry, ' & ')::tsquery AS entries
    FROM (
        SELECT left(word, {MOST_CHARS}) || ''':*' AS entry
        FROM unnest(public.search_words(words)) word
        UNION ALL SELECT '#' || md5(label) || '''' FROM unnest(labels) label
    ) entries
), found AS MATERIALIZED (
    SELECT c.id, c.tenant_id FROM public.generation_content c
    WHERE public.content_entries(c.tenant_id, c.title, c.text, c.labels)
        @@ (SELECT entries FROM wanted)
)
SELECT id FROM found WHERE tenant_id = {TENANT}
"""

READS = {"generation_content": ["id", "tenant_id", "title", "text", "labels"]}


def fold(field: str) -> Func:
    """A column's text as it is compared."""
    return Func(F(field), function="public.search_fold", output_field=TextField())


def found_in_index(words: str, labels: list[str]) -> RawSQL:
    """The ids of the contents that have these words and labels."""
    return RawSQL("SELECT content_search(%s, %s)", [words, labels])
