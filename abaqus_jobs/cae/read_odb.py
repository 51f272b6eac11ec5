"""Fields of an output database as plain arrays, in Abaqus's Python:

    abaqus python read_odb.py JOB.odb JOB.npz [INSTANCE]

`pybridge odb JOB.npz --out JOB.h5` makes a result file of them. Of the last step: displacement and velocity at nodes;
stress, equivalent plastic strain and state variables of elements (the mean of their points); energies.
"""

import sys

import numpy

# Order of a symmetric tensor in an output database -> 11, 22, 33, 12, 23, 13.
ORDER = {"S11": 0, "S22": 1, "S33": 2, "S12": 3, "S23": 4, "S13": 5}
ENERGIES = ("ALLKE", "ALLIE", "ALLPD", "ALLVD", "ALLAE", "ALLFD", "ALLWK", "ETOTAL")


def read(odb, name=None):
    """Arrays by name; `name`: the instance, by default the one with elements (analytical surfaces have none)."""
    instance = pick_instance(odb, name)
    step = odb.steps.values()[-1] if hasattr(odb.steps, "values") else odb.steps[-1]
    arrays = mesh(instance)
    frames = list(step.frames)
    arrays["time"] = numpy.array([frame.frameValue for frame in frames])
    columns = {}
    for k, frame in enumerate(frames):
        for field, values in frame_fields(frame, instance, arrays).items():
            if field not in columns:
                columns[field] = numpy.full((len(frames),) + values.shape, numpy.nan)
            columns[field][k] = values
    arrays.update(columns)
    for region in step.historyRegions.values():
        for energy in ENERGIES:
            if energy in region.historyOutputs.keys():
                pairs = numpy.array(region.historyOutputs[energy].data)
                arrays["history_time"], arrays["history_" + energy] = pairs[:, 0], pairs[:, 1]
    return arrays


def pick_instance(odb, name):
    """The instance of that name, or the only one with elements. Raises ValueError."""
    instances = odb.rootAssembly.instances
    solid = [key for key in instances.keys() if len(instances[key].elements)]
    if name is None and len(solid) == 1:
        name = solid[0]
    if name not in instances.keys():
        raise ValueError("instance %s: expected one of %s" % (name, ", ".join(sorted(instances.keys()))))
    return instances[name]


def mesh(instance):
    """Nodes and elements of one type."""
    kinds = sorted(set(element.type for element in instance.elements))
    if len(kinds) != 1:
        raise ValueError("elements of one type expected, got %s" % ", ".join(kinds))
    labels = numpy.array([node.label for node in instance.nodes])
    row = dict((label, k) for k, label in enumerate(labels.tolist()))
    return {
        "node_labels": labels,
        "coordinates": numpy.array([list(node.coordinates) for node in instance.nodes], float),
        "element_labels": numpy.array([element.label for element in instance.elements]),
        "element_type": numpy.array(kinds[0]),
        "connectivity": numpy.array([[row[n] for n in e.connectivity] for e in instance.elements]),
    }


def frame_fields(frame, instance, arrays):
    """Values of one frame by name: U, V (nodes), S, PEEQ, SDV... (elements)."""
    found = {}
    for key in frame.fieldOutputs.keys():
        if key in ("U", "V"):
            found[key] = gather(frame.fieldOutputs[key], instance, arrays["node_labels"], "nodeLabels")
        elif key in ("S", "PEEQ") or key.startswith("SDV"):
            values = gather(frame.fieldOutputs[key], instance, arrays["element_labels"], "elementLabels")
            if key == "S":
                values = in_order(values, frame.fieldOutputs[key].componentLabels)
            found[key] = values
    return found


def gather(field, instance, labels, which):
    """Mean over the values of each label, (labels, components); NaN where the field has none."""
    row = numpy.full(int(labels.max()) + 1, -1)
    row[labels] = numpy.arange(len(labels))
    total, count = numpy.zeros((0, 0)), numpy.zeros(len(labels))
    for block in field.getSubset(region=instance).bulkDataBlocks:
        try:
            data = numpy.array(block.dataDouble, float)
        except Exception:  # a database in single precision: Abaqus has no type of its own for this error
            data = numpy.array(block.data, float)
        if not total.size:
            total = numpy.zeros((len(labels), data.shape[1]))
        where = row[numpy.array(getattr(block, which))]
        numpy.add.at(total, where, data)
        numpy.add.at(count, where, 1)
    if not total.size:
        return numpy.full((len(labels), 1), numpy.nan)
    count[count == 0] = numpy.nan
    return total / count[:, None]


def in_order(values, names):
    """Stress with six components in the package's order; those that the element type lacks are 0."""
    result = numpy.zeros((len(values), 6))
    for k, name in enumerate(names):
        result[:, ORDER[name]] = values[:, k]
    return result


def main(words=None):
    """Read one database."""
    from odbAccess import openOdb

    words = sys.argv[1:] if words is None else words
    odb = openOdb(path=words[0], readOnly=True)
    try:
        numpy.savez_compressed(words[1], **read(odb, words[2] if len(words) > 2 else None))
    finally:
        odb.close()


if __name__ == "__main__":
    main()
