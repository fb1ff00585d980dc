# Open Images V6 with the relations of PySGG.
_base_ = './vg150_relation.py'

open_images = dict(type='OpenImagesDataset', data_root='data/open_images')
train_dataloader = dict(dataset=open_images)
val_dataloader = dict(dataset=open_images)
test_dataloader = dict(dataset=open_images)
# the rules of PySGG's tables: average precision, pooled recall
val_evaluator = [dict(type='SceneGraphMetric', protocol='openimages')]
test_evaluator = val_evaluator
del open_images
