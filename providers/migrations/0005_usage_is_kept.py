"""The ledger is written once: the database refuses what would change it, whoever asks."""

from django.db import migrations

# `kept` is the old row but for the two references, which may go: an account that is deleted leaves its
# usage to nobody. Columns of later migrations are covered without being named.
KEEP = """
CREATE FUNCTION providers_keep_usage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE kept providers_usage%ROWTYPE;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        kept := OLD;
        IF NEW.user_id IS NULL THEN kept.user_id := NULL; END IF;
        IF NEW.endpoint_id IS NULL THEN kept.endpoint_id := NULL; END IF;
        IF NEW IS NOT DISTINCT FROM kept THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'usage is written once' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER providers_keep_usage BEFORE UPDATE OR DELETE ON providers_usage
    FOR EACH ROW EXECUTE FUNCTION providers_keep_usage();
"""
LET_GO = """
DROP TRIGGER providers_keep_usage ON providers_usage;
DROP FUNCTION providers_keep_usage();
"""


class Migration(migrations.Migration):
    dependencies = [("providers", "0004_catalogue_and_prices")]
    operations = [migrations.RunSQL(KEEP, LET_GO)]
