"""The commented text of a new `study.yaml`: every key with what it means and may be."""

from jinja2 import Environment, StrictUndefined

_TEXT = """\
# A medclf study. Next:
#   medclf ingest study.yaml     check every image, write the manifest
#   medclf train study.yaml      split, fit, calibrate, pack
# Paths are relative to this file. Unknown keys are refused.
name: {{ name | tojson }}
seed: 0                    # fixed beforehand: never choose it by its result
workspace: study           # manifest, split, checkpoints and packages go here
made_up: {{ made_up | tojson }}             # true for simulated images: every report then says so

data:
  format: {{ layout.format }}            # table, folders, medmnist or findings
{%- if layout.format == 'folders' %}
  folder: {{ folder | tojson }}    # above a folder for each class, or above train, val, test
{%- elif layout.format == 'medmnist' %}
  table: {{ table | tojson }}    # its pictures are written to the workspace as PNG files
{%- else %}
  table: {{ table | tojson }}    # path,label[,patient_id,group_id,site,device,view,sex,age,sha256]
  folder: {{ folder | tojson }}             # of images that the table names by id or UID
{%- endif %}
{%- if layout.columns %}
  columns:                 # what the table calls medclf's columns
{%- for name, called in layout.columns.items() %}
    {{ name }}: {{ called | tojson }}
{%- endfor %}
{%- endif %}
{%- if layout.extension %}
  extension: {{ layout.extension | tojson }}        # added to a path that lacks it
{%- endif %}
{%- if layout.patient_pattern %}
  patient_pattern: {{ layout.patient_pattern | tojson }}    # finds the patient number in a path
{%- endif %}
{%- if layout.format in ('folders', 'medmnist') %}
  parts: keep              # the source's train, val (for tune and calibrate) and test; or ignore
{%- endif %}
{%- if layout.listed_in %}
  listed_in: {{ layout.listed_in | tojson }}    # column that lists them, with | between
{%- endif %}
{%- if layout.findings %}
{%- if layout.listed_in %}
  findings:                # those that may be listed
{%- else %}
  findings:                # 1 present, 0 absent, -1 uncertain, blank not told
{%- endif %}
{%- for item in layout.findings %}
    - {{ item | tojson }}
{%- endfor %}
{%- endif %}
{%- if not labels %}
  uncertain: ignore        # what training makes of -1: ignore, absent or present
{%- else %}
{%- if layout.format not in ('folders', 'medmnist') %}
  label: {{ label | tojson }}             # column of the table
{%- endif %}
  labels:{% if positive %}                  # the negative one first{% endif %}
{%- for item in labels %}
    - {{ item | tojson }}    # {{ counts[item] }} rows
{%- endfor %}
  positive: {{ positive | tojson }}    # the finding of two labels; null for more
{%- if not positive %}
  ordered: false           # true: the labels are grades, listed from the lowest to the highest
{%- endif %}
{%- endif %}
  conflicts: exclude       # the same picture under two labels: exclude all copies, or refuse

admission:                 # which DICOM objects are taken, here and wherever the model reads
{%- if kind == "xray" %}
  region: chest            # chest, breast or any
  views: []                # none named: frontal for the chest, cc and mlo for the breast
{%- endif %}
  secondary_capture: false # screen shots and scans of film: any device may have written them
  for_processing: false    # raw detector data, which no reader ever sees
  frame: refuse            # of several frames: refuse the object, or take the first
  burned_in: accept        # or refuse: text in the pixels, told by the header or suspected

split:                     # by patient or group where known; copies of one picture stay together
  train: {{ train }}              # learn from
  tune: 0.1                # choose epoch and penalty by
  calibrate: {{ calibrate }}          # fit temperature and threshold on, and nothing else
  test: 0.2                # sealed: written to test.csv for `medclf validate`
  unit: auto               # auto, patient, group, site or image
  by: random               # random, or time: the latest months are the test part
  near_duplicates: keep_together    # near copies: keep_together, warn or refuse

preprocessing:
  kind: {{ kind }}
  size: {{ size }}                # side of the square input in pixels
  channels: 3
  mean: {{ mean }}    # what the pretrained weights expect, for values in [0, 1]
  std: {{ std }}
{%- if kind == "xray" %}
  xray:
    collimation: true      # also crop to tilted collimator and film edges, on noisy ground
{%- endif %}

model:
  backbone: {{ backbone }}    # see `medclf models`
  weights: {{ weights | tojson }}    # hub, random, or a .safetensors/.pth file
{%- if weights == 'hub' %}
  revision: null           # commit of the hub's repository; the lineage keeps what it was
{%- elif weights != 'random' %}
  weights_licence: ""      # of this file: lineage and model card tell it
{%- endif %}
  runtime: torch           # openvino and onnx are faster on CPUs; held against torch when packing
  method: {{ method }}         # probe: head on frozen features; finetune: all; gradual: by blocks

fit:
  epochs: {{ epochs }}
  batch: 32
  learning_rate: {{ '0.001' if random_start else '0.0003' }}
  weighting: balanced      # or none, effective: rare classes weigh more; undone before calibration
  freeze_norms: {{ 'false' if random_start else 'true' }}      # keep pretrained statistics
  precision: auto          # bfloat16 where the processor has it; inference is always float32

baselines: true            # hold the network against simpler readers; false does not

calibrate:
  operating_point: youden  # or "sensitivity>=0.95", "specificity>=0.90"
  novelty_level: 0.01      # share of known-good images that may be abstained from
"""

TEMPLATE = Environment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(_TEXT)  # noqa: S701 - YAML, not HTML; values are quoted by tojson
