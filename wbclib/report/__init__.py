"""From records to tables, figures and pages."""

import sys

# nbformat checks notebooks by jsonschema, which compiles a grammar of internationalised addresses on import, for two
# seconds. It does without where the package is not to be had, and no notebook's schema knows such an address.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
