"""Ansible: reports from every host of an inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.integrate.quoting import ansible

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site


def playbook(site: Site) -> str:
    words = site.argv("check", "--json")
    argv = "\n".join(f"          - {ansible(word)}" for word in words)
    if any("$" in word for word in words):
        # Variables are replaced otherwise, without any shell; ansible-core before 2.16 does not know the setting.
        argv += "\n        expand_argument_vars: false"
    return f"""\
# Examines the gateway of every host and saves one JSON report per host, under
# reports/ next to the playbook.
# Where it goes:      gatewaydoctor.yml
# Run it:             ansible-playbook -i INVENTORY gatewaydoctor.yml
# Without a playbook: ansible all -i INVENTORY -m command -a 'gatewaydoctor check'
- name: Examine the state directory of every gateway
  hosts: all
  gather_facts: false
  tasks:
    - name: Examine
      ansible.builtin.command:
        argv:
{argv}
      register: examined
      changed_when: false
      check_mode: false
      # Findings are what is reported; everything else is a failure, once its report is kept.
      failed_when: false

    - name: Make room for the reports
      ansible.builtin.file:
        path: "{{{{ playbook_dir }}}}/reports"
        state: directory
        mode: "0700"
      delegate_to: localhost
      run_once: true

    # If there is none, the last one stays and the task below gives the reason.
    - name: Keep the report
      when: (examined.stdout | default('', true)).startswith('{{')
      ansible.builtin.copy:
        content: "{{{{ examined.stdout }}}}\\n"
        dest: "{{{{ playbook_dir }}}}/reports/{{{{ inventory_hostname }}}}.json"
        mode: "0600"
      delegate_to: localhost

    - name: Report what was found
      ansible.builtin.assert:
        that: examined.rc == 0
        fail_msg: >-
          {{{{ examined.stderr | default(examined.msg | default('') ~ ' ' ~ examined.cmd | default(''), true)
          if not (examined.stdout | default('', true)).startswith('{{')
          else (examined.stdout | from_json).findings | map(attribute='rule') | unique | join(', ')
          if examined.rc == 1
          else ((examined.stdout | from_json).error or {{}}).message | default('') }}}}
        quiet: true
"""


FORMS = {"playbook": playbook}
