-- What old deliveries are looked at by before they are taken out; without these each of them is a look at all others.
CREATE INDEX deliveries_head ON deliveries (head) WHERE head IS NOT NULL;
CREATE INDEX deliveries_answers ON deliveries (answers) WHERE answers IS NOT NULL;
