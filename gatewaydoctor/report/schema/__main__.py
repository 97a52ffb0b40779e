"""`python -m gatewaydoctor.report.schema`"""

from gatewaydoctor.report.schema import write_all

write_all()
