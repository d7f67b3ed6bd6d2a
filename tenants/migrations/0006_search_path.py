"""Temporary tables come last for functions that look across tenants, those made before included."""

from django.db import migrations

from tenants.rls import SEARCH_PATH

PIN = f"""
DO $$
DECLARE found regprocedure;
BEGIN
    FOR found IN
        SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND p.prosecdef
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = {SEARCH_PATH}', found);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_weight")]

    operations = [migrations.RunSQL(PIN, migrations.RunSQL.noop)]
