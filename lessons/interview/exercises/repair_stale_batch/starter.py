import torch


def distil(student, teacher, optimizer, batches, temperature, soft_weight):
    """batches: pairs of inputs [batch, feature] and labels [batch] -> the loss of each batch, as floats"""
    criterion = torch.nn.CrossEntropyLoss()
    # Step 2: make the soft labels
    for batch in batches:
        inputs, labels = batch
        with torch.no_grad():
            logits = teacher(inputs)

    # Step 3: train the student
    losses = []
    for batch in batches:
        outputs = student(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
