# The one graph: runs -> notebooks -> index. `make reproduce` calls it (wbclib/report/graph.py says how);
# by hand, on a cluster:   snakemake --config profile=lab --rerun-triggers mtime --executor slurm --jobs 8
#
# Every output is a stamp, never the record or page itself, because Snakemake deletes outputs before it runs
# a rule and when a rule fails. The commands are idempotent and write what they make atomically.
import os
import re

from wbclib.report.graph import Graph, command, environment, shown

graph = Graph(config.get("profile") or os.environ.get("WBC_PROFILE") or "quick")
os.environ.update(environment(graph))
graph.sync()


onstart:
    (graph.folder / ".begun").touch()


wildcard_constraints:
    key="[0-9a-f]{12}",
    run="|".join(map(re.escape, graph.alone())) or "none",


rule index:
    input:
        [shown(graph.notebook_stamp(name)) for name in graph.notebooks],
        [shown(graph.run_stamp(name)) for name in graph.profile.runs],
    output:
        shown(graph.index_stamp()),
    params:
        command=command("report index"),
    shell:
        'echo "index of $WBC_NAME"; {params.command} >/dev/null && touch {output}'


# Runs come before notebooks, and notebooks that others wait for before the rest, which fill what is left.
rule run:
    priority: 2
    input:
        lambda wildcards: [shown(path) for path in graph.run_inputs(wildcards.run)],
    output:
        shown(graph.folder / "run-{run}-{key}.done"),
    params:
        command=lambda wildcards: command(f"train {wildcards.run}"),
    threads: lambda wildcards: graph.cores(wildcards.run, workflow.cores)
    shell:
        'echo "training run {wildcards.run} of $WBC_NAME"; '
        "export OMP_NUM_THREADS={threads}; {params.command} && touch {output}"


for bundle in graph.bundles():

    rule:
        priority: 2
        input:
            sorted({shown(path) for run in bundle for path in graph.run_inputs(run)}),
        output:
            [shown(graph.run_stamp(run)) for run in bundle],
        params:
            command=command(f"train {' '.join(bundle)}"),
            names=" ".join(bundle),
        shell:
            'echo "training runs {params.names} of $WBC_NAME"; '
            "export OMP_NUM_THREADS=1; {params.command} && touch {output}"


rule notebook:
    wildcard_constraints:
        notebook="|".join(map(re.escape, set(graph.notebooks) - graph.awaited())) or "none",
    input:
        lambda wildcards: [shown(path) for path in graph.notebook_inputs(wildcards.notebook)],
    output:
        shown(graph.folder / "notebook-{notebook}-{key}.done"),
    params:
        command=lambda wildcards: command(f"report notebook {wildcards.notebook}"),
    threads: lambda wildcards: workflow.cores if graph.wants[wildcards.notebook]["alone"] else 1
    shell:
        'echo "notebook {wildcards.notebook} of $WBC_NAME"; {params.command} >/dev/null && touch {output}'


use rule notebook as awaited with:
    wildcard_constraints:
        notebook="|".join(map(re.escape, graph.awaited())) or "none",
    priority: 1
