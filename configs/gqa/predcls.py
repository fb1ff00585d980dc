# LinkNet on GQA-200 with images, in its official splits; evaluated with the
# checkpoint of sgcls.py. Not trained yet: neither its images nor its training
# file were at hand.
_base_ = '../linknet/predcls.py'

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=200)),
    relation_head=dict(num_classes=200, num_predicates=100),
)
gqa = dict(type='GQA200Dataset', data_root='data/gqa')
train_dataloader = dict(dataset=gqa)
val_dataloader = dict(dataset=gqa)
test_dataloader = dict(dataset=gqa)
