from provisioner.testing.modules import Case

CASES = [
    Case("all facts", {}, changes=False, same_diff=False),
    Case("what the host tells of itself", {"gather_subset": ["!all", "!min", "local"], "filter": ["local"]},
         changes=False, setup=[("file", {"path": "/etc/ansible/facts.d", "state": "directory"}),
                ("shell", {"cmd": "printf '[a]\\nb=c\\n' > i.fact; echo '{\"x\": [1]}' > j.fact; "
                                  "printf '#!/bin/sh\\necho 5\\n' > p.fact; chmod +x p.fact",
                           "chdir": "/etc/ansible/facts.d"})],
         result={"ansible_facts": {"ansible_local": {"i": {"a": {"b": "c"}}, "j": {"x": [1]}, "p": 5}}}),
    Case("a part that nobody knows", {"gather_subset": ["everything"]}, fails="no subset `everything`"),
]
